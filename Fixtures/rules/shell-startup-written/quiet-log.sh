echo "true" >> log.txt
