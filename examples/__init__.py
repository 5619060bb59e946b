"""Worked examples: write a log normaliser, and differentiate it to do inference.

In an exponential family ``p(z) = exp(⟨η, t(z)⟩) / Z(η)`` the gradient of ``log Z`` is the mean
of the statistics, ``∇ log Z(η) = E[t(z)]``.  Inference in a model with a hidden path *is* that
mean, so a program that computes ``log Z`` is all there is to write.  Read in this order:

* `examples.earthquakes`: a discrete hidden path.  ``log Z`` is a loop of ``logsumexp``, its
  gradient the forward-backward pass, and expectation maximisation follows in three lines.
* `examples.nile`: a continuous hidden path.  ``log Z`` is a loop of Cholesky factors, its
  gradient the Kalman smoother.

`examples.extras` holds what the optional ``adlab[plot]`` adds: pictures and progress bars.
"""
