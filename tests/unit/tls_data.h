/*
 * Certificates and keys for tls_test, made with openssl: a P-384 root, an RSA intermediate
 * below it, and servers for mail.example.org and *.example.net.  Valid until 2125.
 */
#ifndef LETTERBOX_TLS_DATA_H
#define LETTERBOX_TLS_DATA_H

static const char pem_root[] = "-----BEGIN CERTIFICATE-----\n"
			       "MIIB9DCCAXqgAwIBAgIUKrUigxa4v1h0a02s0c24jKq8Xk4wCgYIKoZIzj0EAwMw\n"
			       "KDEXMBUGA1UECgwOTGV0dGVyYm94IHRlc3QxDTALBgNVBAMMBFJvb3QwIBcNMjYx\n"
			       "MTI0MDUxNzU2WhgPMjEyNjEwMzEwNTE3NTZaMCgxFzAVBgNVBAoMDkxldHRlcmJv\n"
			       "eCB0ZXN0MQ0wCwYDVQQDDARSb290MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEGRQQ\n"
			       "48PaEH2xH30OEg7gy5Q4muhAaDRD+6Hz58fCqyMtGSeBjYbaVeMqh7LyikKYzvRX\n"
			       "gRk/BF7jG2aLhKN6BacNJZ6Vmp/yjlcrVpDcQehFTDy4eosxcGEoP7OAYuRDo2Mw\n"
			       "YTAdBgNVHQ4EFgQUJtPYHaOwxgx3LZIBfsbI9Stkyf0wHwYDVR0jBBgwFoAUJtPY\n"
			       "HaOwxgx3LZIBfsbI9Stkyf0wDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMC\n"
			       "AgQwCgYIKoZIzj0EAwMDaAAwZQIwa2lNj5QB8pOfcvBkaIPkHO1wZr8g9/HqHq61\n"
			       "Ud0v+JfNmpMmjd+EeWIEMoQAemJ3AjEA3Jd84cba35yPuWzSQF0CXzXiyc9bx2aN\n"
			       "+70hu8W08qcVXZQDO+039atZh36zBcl7\n"
			       "-----END CERTIFICATE-----\n";

static const char pem_inter[] = "-----BEGIN CERTIFICATE-----\n"
				"MIIClzCCAh2gAwIBAgIBAjAKBggqhkjOPQQDAjAoMRcwFQYDVQQKDA5MZXR0ZXJi\n"
				"b3ggdGVzdDENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjQwNTE3NTdaGA8yMTI2MTAz\n"
				"MTA1MTc1N1owMDEXMBUGA1UECgwOTGV0dGVyYm94IHRlc3QxFTATBgNVBAMMDElu\n"
				"dGVybWVkaWF0ZTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAJ4el2WH\n"
				"bIjJxusAoAvwafyqKbI2S/4zTl6JZspoXwjohU+CGMVX1dVXQtk/9tFR0WkXIbs5\n"
				"gDP2zC4PNTzVpVcc8V3QlJnUdayGGBmEbbfhZP53RZf6+xVD6OREoPKfW6J6H9ED\n"
				"/oAsB8uFfoR84Gwz9N1RzWQe7NNaSQwmJwLhPWbBG5V4EwuWEJ9q7GMl06kz8g49\n"
				"EUeEridBc1epFo5rg0Iw/5JQqSMhTfEi4HMYtcV64w3nrwc8jwZkvsSu2jqiZ1ZM\n"
				"BS8Z28MAJwU5HCUsDy2yRdUrcrwLESybXjwEG1gSqIlj6WaI/rRoxVyD7oFmqjml\n"
				"40H07k8XYAp9lFMCAwEAAaNjMGEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8E\n"
				"BAMCAgQwHQYDVR0OBBYEFOTBPsJ7XQEhRmq7i++7HzXUwOP4MB8GA1UdIwQYMBaA\n"
				"FCbT2B2jsMYMdy2SAX7GyPUrZMn9MAoGCCqGSM49BAMCA2gAMGUCMQD8XwnSpYIT\n"
				"701+M2Wxng5yTkE064zsC+Lb9TE1ZRY74HkUzgCjYSFbJEjn7ytIcIgCMHrLezfT\n"
				"eVKIZW2+dHR17ceWVt/zfpvu2oj2D9ZfzB60nngskXnZQGFETrg06l7+tg==\n"
				"-----END CERTIFICATE-----\n";

static const char pem_ec256[] = "-----BEGIN CERTIFICATE-----\n"
				"MIICkjCCAXqgAwIBAgIBAzANBgkqhkiG9w0BAQsFADAwMRcwFQYDVQQKDA5MZXR0\n"
				"ZXJib3ggdGVzdDEVMBMGA1UEAwwMSW50ZXJtZWRpYXRlMCAXDTI2MTEyNDA1MTc1\n"
				"N1oYDzIxMjYxMDMxMDUxNzU3WjAbMRkwFwYDVQQDDBBtYWlsLmV4YW1wbGUub3Jn\n"
				"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYwzbxfZp0+bGvLK3D3Q7RX1UxC4A\n"
				"WPLky4JihYDKbKN2f7AeRFo2XiHgIgSkgF1IR95Ul93QEaeRZH9iGvNPnaOBlDCB\n"
				"kTAqBgNVHREEIzAhghBtYWlsLmV4YW1wbGUub3Jngg0qLmV4YW1wbGUubmV0MA4G\n"
				"A1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQUNyzD\n"
				"yT/qZG3iHytWE0dgphrqrUQwHwYDVR0jBBgwFoAU5ME+wntdASFGaruL77sfNdTA\n"
				"4/gwDQYJKoZIhvcNAQELBQADggEBAGRWVGElxtH5ZeN9YRWd0phiEUobF4cZazWT\n"
				"9bryGnj93lImKt6aoIwOO2DpOi9KKfFAJ4G336zvtAo99mQH3X4kDMc3jiCrfqro\n"
				"c7I5AWfmD++Vs5DWPgCkWq0J6HW0VLPwoAZ0QvhRjowtrml/a+oR+cE5cyjeODbl\n"
				"KDAnErramos64MBKFPJFmArBExBwpU8WFm6R4VgrKHzahfqcjw1ZGeHyWFrOvuxa\n"
				"VcZC3AAQElI1oCdNd0U+jg7oHIfQ1Ksj1pv7yJJd1iGeNjI7f3ds1KfD4iJXkEzT\n"
				"cjMsoQOkD81u1+1Y/RCqnpAZ8Jv6NQu5dveuOHa/ax/3beYOfOs=\n"
				"-----END CERTIFICATE-----\n";

static const char pem_ec256_key[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIIeidn/JyVZgu4NxXWdo8gj3ly8rSeA8YFrzsQOUNvUCoAoGCCqGSM49\n"
    "AwEHoUQDQgAEYwzbxfZp0+bGvLK3D3Q7RX1UxC4AWPLky4JihYDKbKN2f7AeRFo2\n"
    "XiHgIgSkgF1IR95Ul93QEaeRZH9iGvNPnQ==\n"
    "-----END EC PRIVATE KEY-----\n";

static const char pem_ec384[] = "-----BEGIN CERTIFICATE-----\n"
				"MIICBjCCAYygAwIBAgIBBDAKBggqhkjOPQQDAjAoMRcwFQYDVQQKDA5MZXR0ZXJi\n"
				"b3ggdGVzdDENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjQwNTE3NTdaGA8yMTI2MTAz\n"
				"MTA1MTc1N1owGzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLm9yZzB2MBAGByqGSM49\n"
				"AgEGBSuBBAAiA2IABPkbk94EGDtba1zxrk5s5+IBNH9oxW7D60ZPhAAX+2Odcyci\n"
				"mY0Hs3V+A2Vzus0miHn7x7wInYt04Ixa+2E3DX3+X/QEOxXgbqAzXbeyo/H1noSb\n"
				"Mub4I/zxw1iLuXqnuKOBlDCBkTAqBgNVHREEIzAhghBtYWlsLmV4YW1wbGUub3Jn\n"
				"gg0qLmV4YW1wbGUubmV0MA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEF\n"
				"BQcDATAdBgNVHQ4EFgQUjXPPNqwpFSdGn/uwVw1Vz11GqmkwHwYDVR0jBBgwFoAU\n"
				"JtPYHaOwxgx3LZIBfsbI9Stkyf0wCgYIKoZIzj0EAwIDaAAwZQIxAPjjPc+1sCkC\n"
				"+dgraYWfdQyf8U2HziMTqEVLUBVSOSJFf04K6ffit1CrETADByfNWQIwFSaUIKpy\n"
				"9zOH2rAj+EDWRWoQPvLR0bGJUnm1Jt9ht/lF4MNYhTzw329/7vtGUsQX\n"
				"-----END CERTIFICATE-----\n";

static const char pem_ec384_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCVa6aMGl8krpvUF8kV\n"
    "+Gh3kwZIHgdNTfQFcN0XBsIz6Akl4zDki1pg2i60X73S1IGhZANiAAT5G5PeBBg7\n"
    "W2tc8a5ObOfiATR/aMVuw+tGT4QAF/tjnXMnIpmNB7N1fgNlc7rNJoh5+8e8CJ2L\n"
    "dOCMWvthNw19/l/0BDsV4G6gM123sqPx9Z6EmzLm+CP88cNYi7l6p7g=\n"
    "-----END PRIVATE KEY-----\n";

static const char pem_rsa2048[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDXTCCAkWgAwIBAgIBBTANBgkqhkiG9w0BAQsFADAwMRcwFQYDVQQKDA5MZXR0\n"
    "ZXJib3ggdGVzdDEVMBMGA1UEAwwMSW50ZXJtZWRpYXRlMCAXDTI2MTEyNDA1MTc1\n"
    "N1oYDzIxMjYxMDMxMDUxNzU3WjAbMRkwFwYDVQQDDBBtYWlsLmV4YW1wbGUub3Jn\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnX9mt3XxszQ2Zl3Ke9KY\n"
    "StTtBRNSO8BakvGVIPNO3gk+/r48Fvt5UqsoWZC87xiOmeQgf0BN3jDPG/e065mm\n"
    "VwIOXS396DQxDSF5ih1pXLYRGU/LlrjVRJfdiTWj3Ashb26aPFHbGICNYC0CF0PQ\n"
    "hXS0lUNXgSActEAAfiLoNkpffLMuHUA3y/3xNcLzn3or4ZwYEvgj8GRTQm78B+9L\n"
    "UHxU8pJ5uiWCxhXX+KT3clmSCsr6v9oSWIApMxKvIK40jyROWoVsraq+vzg1pS3S\n"
    "+wI+IPEphqRbKW0nQdoC1bRT7HgBCIkIzw9o0AzbT3Ylg6ZTG2k4Eb2vU9/IMN+H\n"
    "OQIDAQABo4GUMIGRMCoGA1UdEQQjMCGCEG1haWwuZXhhbXBsZS5vcmeCDSouZXhh\n"
    "bXBsZS5uZXQwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0G\n"
    "A1UdDgQWBBSrBX63nGgPsXv90rLVe4TuIr6pkzAfBgNVHSMEGDAWgBTkwT7Ce10B\n"
    "IUZqu4vvux811MDj+DANBgkqhkiG9w0BAQsFAAOCAQEAJNd+HLIJ26FBS2VqQqIH\n"
    "rh+UkJDh5LQt6hovXto8mTMcs5lJN0zQr3VOUUi6ZuLvxND1cMf/J7926nb7KIjv\n"
    "X3P//Q+sM8qTzOIHp+q8UQFQPRE/EzKrArN5q9j8EgCoE2BijF3kilnBWx5VygF2\n"
    "LpKVhlMGd8xNY7alq3ahVLj3wlKczPxZ46BFlOgkxpS8bfve4pvOwI5CGOFIvGS7\n"
    "XUR78aNtADoaq1EsTcYGKEtjpXysnDVqfI2NAWj16DJtewMUyVuXLBjQtXaqzlbR\n"
    "GfVBdj/9ejVrHJuQmYl8rK7o87qT/bZPRqnycpl4+r/t6HbbsI8tPZuJVjketyPU\n"
    "ZQ==\n"
    "-----END CERTIFICATE-----\n";

static const char pem_rsa2048_key[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEowIBAAKCAQEAnX9mt3XxszQ2Zl3Ke9KYStTtBRNSO8BakvGVIPNO3gk+/r48\n"
    "Fvt5UqsoWZC87xiOmeQgf0BN3jDPG/e065mmVwIOXS396DQxDSF5ih1pXLYRGU/L\n"
    "lrjVRJfdiTWj3Ashb26aPFHbGICNYC0CF0PQhXS0lUNXgSActEAAfiLoNkpffLMu\n"
    "HUA3y/3xNcLzn3or4ZwYEvgj8GRTQm78B+9LUHxU8pJ5uiWCxhXX+KT3clmSCsr6\n"
    "v9oSWIApMxKvIK40jyROWoVsraq+vzg1pS3S+wI+IPEphqRbKW0nQdoC1bRT7HgB\n"
    "CIkIzw9o0AzbT3Ylg6ZTG2k4Eb2vU9/IMN+HOQIDAQABAoIBAAxi7M7zOYHd/S9E\n"
    "zhFkk8dC2AHaWKZ2r3OMs1fxkAYkqlh6LptMxhMLKfO3+dvrTaprB2aVRep6YozG\n"
    "XkCvMfv4H0K9xLvCgF8SKbmugXmh9KtNxsBWTf4vMWRCnIidiXt23S4ZmUZj3yUt\n"
    "X6jjvkkDT4EeWDSWtBs1ngmi239gGhfnw5jh7p7OjBvtZ+2kdwk+LOhXIBAITvHH\n"
    "beBIJz9uZ9xZk7vtHsNpZ+qrk1ZLfIPwAZVqwgYyMxS88z9+jodzg0Z+1f7tNgwm\n"
    "rpD/y0xi6ZAzE/jRByU+zHiqTEfdEEBUORc8qDRV7KspcOZuxgI2cmcQuGcXPJ1Q\n"
    "kG3sjO8CgYEAyQCSHYyO3yvfCup+5uJYH6U5E4rCk6FPirdYjn291dkl1Q9TW3Ml\n"
    "WsLd5JVbHH/P7+ebKQCP7kFt1jFT306qPc2V3xXVjVSk+lmj2Zlv3aPPG0M+eB4f\n"
    "L+3Du9UT1l2uj6BCoPI9D07tQxWREGKmyAE6mK1e8GHNvHn6+z0dnxsCgYEAyJeA\n"
    "7MWQQA+PccXY2Ox/TMczK8+SsnK9yCIizeDH1DRpAM5nyMwvkFTdgSm2+gm/+M34\n"
    "ljtHSbdh3OomuBb/jO21q3l2bETr26gj+1+jnocPvdfHyyqqkjlJ68uJX7GlUkF5\n"
    "HFU5CYkZtjff6cJI/WsFVs1qCub/CaV+Kjr1VDsCgYASiXbwOrJCaq1bOF0TtfQi\n"
    "lv44iyd+rfXD+Ty1h2smeaw/hfZODMR5JleIaS3J5w+qNFXe5ipf8rDKfCocAgk5\n"
    "Qeh8dmsHabL9U58Exl3GtwC2pvDv6vc9WFQg0nnN3z3mCQWcCjsPWlwPP8HtHOv8\n"
    "rgBVbEfBK4PpyeYXnX9J2QKBgHcbDqCIhqijFKeXtLTJaKUsOsQu0opG+01Uh5n7\n"
    "eGwWWqrx5Eokg7GN0qCZJl69X1Ha61o5BJFO5DsKhccVUNRbaV3SF3EeU3XwFr1y\n"
    "AnNk+wHcmHOYeAOvJKdwCbfagbGf0svyBpYU5EGAV+IzTKe83kS2X9rtYk5WB94H\n"
    "eBh1AoGBAL9vrRLzoZ/WtT4Yf/dNdfUP7gnZY0zMm0M1d9rEWuEuvRisg+2aRXUh\n"
    "dI4Eqzwvwte6KW7FDxetT9JnTSn3Nf9AOYDq41lyrlqhJbB3Z+V4XmKQaDM67q/q\n"
    "lqN//Hjv6SKjUZX079MaxLIqNR11rLIti9m7OOpu6yBveEoqZfgl\n"
    "-----END RSA PRIVATE KEY-----\n";

static const char pem_ed[] = "-----BEGIN CERTIFICATE-----\n"
			     "MIIBuzCCAUCgAwIBAgIBBjAKBggqhkjOPQQDAjAoMRcwFQYDVQQKDA5MZXR0ZXJi\n"
			     "b3ggdGVzdDENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjQwNTE3NTdaGA8yMTI2MTAz\n"
			     "MTA1MTc1N1owGzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLm9yZzAqMAUGAytlcAMh\n"
			     "AAePB/To5fxWxao95Z78K3RUDwDCskkm05YhIjJWveQlo4GUMIGRMCoGA1UdEQQj\n"
			     "MCGCEG1haWwuZXhhbXBsZS5vcmeCDSouZXhhbXBsZS5uZXQwDgYDVR0PAQH/BAQD\n"
			     "AgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0GA1UdDgQWBBQkifn5mrMn+BhEsruQ\n"
			     "izLUITTS9jAfBgNVHSMEGDAWgBQm09gdo7DGDHctkgF+xsj1K2TJ/TAKBggqhkjO\n"
			     "PQQDAgNpADBmAjEAj03zaxOyuNVK8+GuxBYEX1g22MLrOx4fKF0Nw6+5p0MsG7yq\n"
			     "me2TrQvg6IBvYeaYAjEAm9qa1GCdXNOa2CXViQRW3XOXUvVuS//JU5SW4dFQroxc\n"
			     "RYOKseRuA+vt9PAtMGaF\n"
			     "-----END CERTIFICATE-----\n";

static const char pem_ed_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIM7jzY64iNLwn0dhjh6lnMSlRsu8DDfqjxLS4RQJhQ7y\n"
    "-----END PRIVATE KEY-----\n";

static const char pem_rsa1024[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICMDCCAbagAwIBAgIBBzAKBggqhkjOPQQDAjAoMRcwFQYDVQQKDA5MZXR0ZXJi\n"
    "b3ggdGVzdDENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjQwNTE3NTdaGA8yMTI2MTAz\n"
    "MTA1MTc1N1owGzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLm9yZzCBnzANBgkqhkiG\n"
    "9w0BAQEFAAOBjQAwgYkCgYEAtVY/kP1hEePlChM3y6xR7itZLHXdkFP3I6dpeMsJ\n"
    "IWl2gNzXr8dxuoZ10MVjMH81oyiylUVjO/0mUrx5keVHgmANtKxdbM68MW0lCqxO\n"
    "y6nRqUtxN3uhfjPZlr7eQ6xOvBvP3pXQxeNTDV4uD/9AIbWDjhd0nNWzyZ5iXcvb\n"
    "SJ8CAwEAAaOBlDCBkTAqBgNVHREEIzAhghBtYWlsLmV4YW1wbGUub3Jngg0qLmV4\n"
    "YW1wbGUubmV0MA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDATAd\n"
    "BgNVHQ4EFgQUHlMIRApN0aTeZVEtEgnEGu/G29QwHwYDVR0jBBgwFoAUJtPYHaOw\n"
    "xgx3LZIBfsbI9Stkyf0wCgYIKoZIzj0EAwIDaAAwZQIxAItBZIOzlqfKTgTtuLIn\n"
    "gOp+jnTZgiGrJvwHNVZ4mY6sDBbuAO/oCkcy7HewnnMh2QIwDKJkywlcYIePSUUD\n"
    "TTRCZa/bg7W3cAgtavDcMa2MbeupKt2iJHbngAmqtYvdK/95\n"
    "-----END CERTIFICATE-----\n";

static const char pem_ec256_enc[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,56230C84D06AF36F1090AAFCB0CDCB27\n"
    "\n"
    "Q3hNppc+aXfqHgaQvAVwe8SQQktn19wFNuN0XdrsiU/5uKa90DFvVun/qtyaDsUV\n"
    "4M/vJY6rb7gR7cRiRrmoWCMKogX8496qYY9itZhsubbAxtAclHbJhu2HSpou1t54\n"
    "PqKYlrzPnasb+qp9URnFog+stXwfb3gfSorbil0EDbo=\n"
    "-----END EC PRIVATE KEY-----\n";

static const char hex_key_ec256[] =
    "053aeb1ca9fbe16ffda28dda33f517760c863887e550b1e2f0228944b3b11b49";
static const char hex_cert_ec256[] =
    "c5b72e13bf0db8d6f8be2155170dca551630e047cf8c593df4a517ac8c2d1009";
static const char hex_key_ec384[] =
    "a99da70395747c33b884afdb4417d1ec58816f178a3e0344cfbd1510c3f4546e";
static const char hex_cert_ec384[] =
    "4628458d689c31aac7726a6d33ed94dcb54e934eac80454717a49feb112718ac";
static const char hex_key_rsa2048[] =
    "7a613c564ff90645f2180ed70a57d7b32c99db9c140d439ff7be3747519dc8b0";
static const char hex_cert_rsa2048[] =
    "c8b1d693d26333872d27f8aa5cd49430e0fa80e70269cf3dce51023952f67413";

#endif
