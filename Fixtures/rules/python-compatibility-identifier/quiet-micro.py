µ = 1e-6
print(µ)
