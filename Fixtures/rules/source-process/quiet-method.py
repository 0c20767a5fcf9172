import subprocess


def compile_kernels(path):
    return subprocess.run(["true", path], check=True)


if __name__ == "__main__":
    compile_kernels(".")
