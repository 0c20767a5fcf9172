exec("pass")
