from os import system as start
