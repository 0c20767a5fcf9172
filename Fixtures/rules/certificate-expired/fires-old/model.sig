{
 "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
 "verificationMaterial": {
  "x509CertificateChain": {
   "certificates": [
    {
     "rawBytes": "MIIBjjCCATWgAwIBAgIUYHHg+LMr8sQV3tVXlICih4/fDlIwCgYIKoZIzj0EAwIwHDEaMBgGA1UEAwwRZXhhbXBsZSBhdXRob3JpdHkwHhcNMTkwNjAxMDAwMDAwWhcNMjAwMTAxMDAwMDAwWjAZMRcwFQYDVQQDDA5leGFtcGxlIHNpZ25lcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEmtbXGirXo/mfYY8p8OVkkdQsuPciTUnvGQEZPQnRTZoeM81ntJwNk1CijWGS+WuFs/MGnKPbVJP7trCwMHN16jWDBWMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMDMCEGA1UdEQQaMBiBFnNpZ25lckBleGFtcGxlLmludmFsaWQwCgYIKoZIzj0EAwIDRwAwRAIgPfHXAUHpW6IWJpxBD7aAD/6w6URTHDObgKt/bYf74L4CIDMXT6b2ktLikn5Amp08F5mnMvsbf/bvSg/xrbUHWRl2"
    }
   ]
  },
  "tlogEntries": []
 },
 "dsseEnvelope": {
  "payload": "eyJfdHlwZSI6ICJodHRwczovL2luLXRvdG8uaW8vU3RhdGVtZW50L3YxIiwgInN1YmplY3QiOiBbeyJuYW1lIjogIm1vZGVsIiwgImRpZ2VzdCI6IHsic2hhMjU2IjogImZmMjI5ZjRlOTcyMmZlMjI5YzhmMjE2NTU0OWI1MmY1Y2QyYmRlYTczYjBiODMwZGJlYzE1ZWIwODk1ZmM3MWEifX1dLCAicHJlZGljYXRlVHlwZSI6ICJodHRwczovL21vZGVsX3NpZ25pbmcvc2lnbmF0dXJlL3YxLjAiLCAicHJlZGljYXRlIjogeyJzZXJpYWxpemF0aW9uIjogeyJtZXRob2QiOiAiZmlsZXMiLCAiaGFzaF90eXBlIjogInNoYTI1NiIsICJhbGxvd19zeW1saW5rcyI6IGZhbHNlLCAiaWdub3JlX3BhdGhzIjogWyIuZ2l0IiwgIm1vZGVsLnNpZyJdfSwgInJlc291cmNlcyI6IFt7Im5hbWUiOiAiY29uZmlnLmpzb24iLCAiYWxnb3JpdGhtIjogInNoYTI1NiIsICJkaWdlc3QiOiAiNjEwMmI3Yjk3N2FmNDUyYmEyOTczMDA1YzRkNTFlN2M5Y2Y5Yjc4ODU1N2ZjZjdkYWIzNTg1Yjk4Y2RhMTZmZSJ9XX19",
  "payloadType": "application/vnd.in-toto+json",
  "signatures": [
   {
    "sig": "MEYCIQDcj6CHfA+cXmKQC4LyxXMSK+qYCyGedtspov/LXkoangIhAP4Fsxnxqwc9YmWYap96wxnIIqzQBzpWumx9KE4Vjg7G",
    "keyid": ""
   }
  ]
 }
}
