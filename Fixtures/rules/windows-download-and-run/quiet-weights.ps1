Invoke-WebRequest https://example.invalid/model.bin -OutFile model.bin
