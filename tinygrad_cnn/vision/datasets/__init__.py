"""Data sets of images, with torchvision's names, arguments and folders. Nothing is downloaded."""

from tinygrad_cnn.vision.datasets.cifar import CIFAR10
from tinygrad_cnn.vision.datasets.fakedata import FakeData
from tinygrad_cnn.vision.datasets.folder import DatasetFolder, ImageFolder
from tinygrad_cnn.vision.datasets.mnist import KMNIST, MNIST, FashionMNIST
from tinygrad_cnn.vision.datasets.vision import VisionDataset

__all__ = ["CIFAR10", "KMNIST", "MNIST", "DatasetFolder", "FakeData", "FashionMNIST", "ImageFolder", "VisionDataset"]
