echo done > /dev/null
