"""The web portal: a process of its own, through which people read what is theirs."""
