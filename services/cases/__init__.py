"""Cases: filing, acting, committing, reading."""
