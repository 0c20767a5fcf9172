import logging.config

logging.config.dictConfig({"version": 1, "handlers": {"a": {"()": "os.system", "command": "true"}}})
