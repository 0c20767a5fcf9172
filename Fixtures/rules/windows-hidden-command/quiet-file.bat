powershell -File convert.ps1
