"""The use cases. One layer that the command line, the pages and the API share."""
