userㅤ = 1
