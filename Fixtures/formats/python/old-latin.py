# vim: set fileencoding=latin-1 :
name = "café"; print(name)
print "Python 2"
os.system("true")
