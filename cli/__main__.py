"""`python -m cli`: the same command line as `./rheostat`."""

from cli.app import main

if __name__ == "__main__":
    main()
