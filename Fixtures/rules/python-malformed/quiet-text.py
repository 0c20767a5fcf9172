exec("print 1")
