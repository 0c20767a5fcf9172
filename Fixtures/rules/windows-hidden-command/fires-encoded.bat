powershell.exe -NoP -EncodedCommand dAByAHUAZQA=
