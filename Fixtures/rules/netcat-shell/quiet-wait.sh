nc -z localhost 8000
