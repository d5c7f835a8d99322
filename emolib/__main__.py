from emolib.reproduction.cli.main import run

if __name__ == "__main__":
    run()
