"""`python -m trainers PROGRAM` is `flow-zoo PROGRAM`."""

from trainers import command

if __name__ == "__main__":
    command.main()
