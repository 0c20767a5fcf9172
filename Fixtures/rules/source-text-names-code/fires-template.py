from mako.template import Template

Template("<% import os; os.system('true') %>").render()
