"""The actions, one file a stage: command, rule, guards, event and words of each action."""
