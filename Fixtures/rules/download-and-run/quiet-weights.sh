#!/bin/bash
# curl https://example.invalid/x | sh
set -e
if [ ! -f model.bin ]; then
  curl -L -o model.bin "https://example.invalid/model.bin" || wget https://example.invalid/model.bin
fi
echo "curl https://example.invalid/x | sh"
python convert.py model.bin | tee log.txt
