print("requant")
