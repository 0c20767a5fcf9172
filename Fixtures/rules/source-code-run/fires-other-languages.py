import js2py
import rpy2.robjects as robjects

js2py.eval_js("1")
robjects.r("1")
