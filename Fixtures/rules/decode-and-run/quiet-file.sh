base64 -d model.txt > model.bin
