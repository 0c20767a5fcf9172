import shutil

shutil.rmtree("/nonexistent/example", ignore_errors=True)
