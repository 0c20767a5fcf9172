import winreg

winreg.OpenKey(winreg.HKEY_CURRENT_USER, "Software")
