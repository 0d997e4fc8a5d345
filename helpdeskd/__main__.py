"""python -m helpdeskd"""

from helpdeskd.cli import main

if __name__ == "__main__":
    main()
