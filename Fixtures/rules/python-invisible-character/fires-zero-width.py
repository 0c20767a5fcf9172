x = "admin​"
