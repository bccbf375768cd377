"""In a checkout the pictures lie in `viz/`, beside the package; installed, in the package, where this says nothing."""

from viz import *
from viz import command as command
from viz import plot as plot
