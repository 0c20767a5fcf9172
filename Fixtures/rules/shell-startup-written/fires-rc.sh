echo "true" >> ~/.bashrc
