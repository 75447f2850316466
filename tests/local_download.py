"""The download's process, pointed at a local server: `local_download.py URL MD5S NAME FOLDER`."""

import json
import sys

import torchvision

from mlpviz.download import main

if __name__ == "__main__":
    url, sums, *arguments = sys.argv[1:]
    torchvision.datasets.FashionMNIST.mirrors = [url]
    torchvision.datasets.FashionMNIST.resources = list(json.loads(sums).items())
    sys.exit(main(arguments))
