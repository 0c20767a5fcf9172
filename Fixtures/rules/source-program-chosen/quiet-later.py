import multiprocessing


def serve(path):
    multiprocessing.set_executable(path)
