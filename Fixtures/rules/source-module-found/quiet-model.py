import importlib.util

HAS_FLASH = importlib.util.find_spec("flash_attn") is not None
