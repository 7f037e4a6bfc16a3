-- The directive for the balancer phase takes a file only.
ingress.balance()
