path = "settings.json"
