print("Add this line to your .bashrc and start again.")
