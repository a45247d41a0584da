"""`python -m k8sglue`."""

import sys

from k8sglue.cli import main

sys.exit(main())
