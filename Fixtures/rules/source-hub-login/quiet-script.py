from huggingface_hub import login


def main():
    login()


if __name__ == "__main__":
    main()
