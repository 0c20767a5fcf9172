import pandas

pandas.DataFrame({"a": [1]}).query("@pd.io.common.os.system('true') == 0")
