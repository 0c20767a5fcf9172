__spec__.loader.__class__("x", "payload.txt").load_module()
