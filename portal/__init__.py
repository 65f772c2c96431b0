"""The web portal: what people read and do in a browser."""
