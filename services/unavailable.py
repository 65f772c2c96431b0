"""`Unavailable`: how a use case says that something it needs does not answer."""


class Unavailable(Exception):
    """Something that the request needs does not answer now.

    Attributes:
        code: Stable English snake_case.
        message: What is down and what to do.
        retry: Whether the same request may be tried again as it is.
    """

    def __init__(self, code: str, message: str, *, retry: bool = False) -> None:
        super().__init__(code, message)
        self.code, self.message, self.retry = code, message, retry

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
