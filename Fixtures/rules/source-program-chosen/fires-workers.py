import multiprocessing

multiprocessing.set_executable("./worker")
