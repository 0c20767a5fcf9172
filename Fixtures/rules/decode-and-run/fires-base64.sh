echo dHJ1ZQo= | base64 -d | sh
